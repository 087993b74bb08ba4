"""What tests of several floors share. Importable as `helpers.…`."""
