"""What the processes of one machine share, through files. Both transports use it; it knows nothing of either."""

from holdfast_shared.dial_window import SharedWindow, check_window_file, window_of

__all__ = ["SharedWindow", "check_window_file", "window_of"]
