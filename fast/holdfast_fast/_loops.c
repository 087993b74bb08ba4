/* The two loops of holdfast/wire/loops.py over bytes, compiled: the same arguments, the same results.

   Only the stable ABI of CPython 3.11 is used, so that one build serves all later versions, too. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

/* The first byte of a whole frame that no extension touched: FIN, and the opcode. */
#define TEXT 0x81
#define BINARY 0x82
#define MEDIUM 126 /* as the length: it stands in the two bytes behind */
#define MASKED 0x80

/* Loop one. Positions are checked against `size` before anything is read there. */
static PyObject *
whole_frames(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    char *bytes;
    Py_ssize_t size;
    if (nargs != 4) {
        PyErr_Format(PyExc_TypeError, "whole_frames takes data, pos, limit and messages, not %zd arguments", nargs);
        return NULL;
    }
    if (PyBytes_AsStringAndSize(args[0], &bytes, &size) < 0)
        return NULL;
    const Py_ssize_t begin = PyLong_AsSsize_t(args[1]);
    const Py_ssize_t limit = PyLong_AsSsize_t(args[2]);
    if ((begin == -1 || limit == -1) && PyErr_Occurred())
        return NULL;
    PyObject *messages = args[3];
    if (begin < 0 || !PyList_Check(messages)) {
        PyErr_SetString(PyExc_TypeError, "pos must not be negative, and messages a list");
        return NULL;
    }
    const unsigned char *data = (const unsigned char *)bytes;
    Py_ssize_t pos = begin;
    while (pos <= size - 4) { /* so that no form of the length needs a look at what is there; the rest is rare */
        const unsigned char first = data[pos];
        if (first != TEXT && first != BINARY)
            break;
        Py_ssize_t length = data[pos + 1];
        Py_ssize_t start = pos + 2;
        if (length == MEDIUM) {
            length = (Py_ssize_t)data[start] << 8 | data[start + 1];
            start += 2;
            if (length < MEDIUM) /* not the shortest form */
                break;
        }
        else if (length > MEDIUM) /* longer than a chunk, or masked */
            break;
        if (length > limit || length > size - start)
            break;
        PyObject *message = first == TEXT ? PyUnicode_DecodeUTF8(bytes + start, length, NULL)
                                          : PyBytes_FromStringAndSize(bytes + start, length);
        if (message == NULL)
            return NULL;
        const int failed = PyList_Append(messages, message);
        Py_DECREF(message);
        if (failed)
            return NULL;
        pos = start + length;
    }
    return PyLong_FromSsize_t(pos);
}

/* Loop two. */
static PyObject *
client_frame(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    char *payload, *mask, *out;
    Py_ssize_t size, mask_size;
    unsigned char head[10];
    Py_ssize_t head_size = 2;
    if (nargs != 3) {
        PyErr_Format(PyExc_TypeError, "client_frame takes opcode, payload and mask, not %zd arguments", nargs);
        return NULL;
    }
    const long opcode = PyLong_AsLong(args[0]);
    if (opcode == -1 && PyErr_Occurred())
        return NULL;
    if (PyBytes_AsStringAndSize(args[1], &payload, &size) < 0 || PyBytes_AsStringAndSize(args[2], &mask, &mask_size) < 0)
        return NULL;
    if (mask_size != 4 || opcode < 0 || opcode > 0x7F) {
        PyErr_SetString(PyExc_ValueError, "a mask has 4 bytes, and an opcode 7 bits");
        return NULL;
    }
    head[0] = (unsigned char)(0x80 | opcode);
    if (size < MEDIUM) {
        head[1] = (unsigned char)(MASKED | size);
    }
    else {
        const int extended = size < 65536 ? 2 : 8;
        head[1] = (unsigned char)(MASKED | (extended == 2 ? MEDIUM : MEDIUM + 1));
        for (int i = 0; i < extended; i++)
            head[2 + i] = (unsigned char)((uint64_t)size >> 8 * (extended - 1 - i));
        head_size += extended;
    }
    if (size > PY_SSIZE_T_MAX - (Py_ssize_t)sizeof(head) - 4)
        return PyErr_NoMemory();
    PyObject *frame = PyBytes_FromStringAndSize(NULL, head_size + 4 + size);
    if (frame == NULL)
        return NULL;
    out = PyBytes_AsString(frame);
    if (out == NULL) { /* it cannot be: this is bytes */
        Py_DECREF(frame);
        return NULL;
    }
    memcpy(out, head, (size_t)head_size);
    memcpy(out + head_size, mask, 4);
    out += head_size + 4;
    uint64_t eight, key;
    memcpy(&key, mask, 4);
    memcpy((char *)&key + 4, mask, 4);
    Py_ssize_t i = 0;
    for (; i + 8 <= size; i += 8) { /* bytes stay where they are, so that their order in a number is no matter */
        memcpy(&eight, payload + i, 8);
        eight ^= key;
        memcpy(out + i, &eight, 8);
    }
    for (; i < size; i++)
        out[i] = (char)(payload[i] ^ mask[i & 3]);
    return frame;
}

static PyMethodDef methods[] = {
    {"whole_frames", (PyCFunction)(void (*)(void))whole_frames, METH_FASTCALL, NULL},
    {"client_frame", (PyCFunction)(void (*)(void))client_frame, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {0, NULL},
};

static struct PyModuleDef module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "holdfast_fast._loops",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__loops(void)
{
    return PyModuleDef_Init(&module);
}
