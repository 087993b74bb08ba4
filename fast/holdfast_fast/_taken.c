/* `Taken` of holdfast/taken.py, compiled: messages that are there are given without a coroutine for each.

   Only the stable ABI of CPython 3.11 is used, so that one build serves all later versions, too. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* What was taken from the machine, of which those before `at` were given. `messages` is NULL when none is left. */
typedef struct {
    PyObject_HEAD
    PyObject *fetch;
    PyObject *messages;
    Py_ssize_t at;
    PyTypeObject *next_type;
} Taken;

/* What `__anext__` gives while there are messages. One is given when this is awaited, and not before: what nobody awaits
   loses none. Where another one was faster, it goes on as `fetch` does: `inner`. */
typedef struct {
    PyObject_HEAD
    Taken *taken; /* NULL once it was awaited */
    PyObject *inner;
} Next;

/* Messages */

static PyObject *
fetch_of(Taken *self)
{
    if (self->fetch != NULL)
        return PyObject_CallNoArgs(self->fetch);
    PyErr_SetString(PyExc_RuntimeError, "the feed is being forgotten"); /* by the collector */
    return NULL;
}

static PyObject *
pop(Taken *self)
{
    if (self->messages == NULL)
        return NULL;
    PyObject *message = PyList_GetItem(self->messages, self->at);
    if (message == NULL) { /* somebody made the list shorter */
        PyErr_Clear();
        Py_CLEAR(self->messages);
        return NULL;
    }
    Py_INCREF(message);
    if (++self->at >= PyList_Size(self->messages))
        Py_CLEAR(self->messages);
    return message;
}

static PyObject *
taken_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"fetch", NULL};
    PyObject *fetch;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:Taken", names, &fetch))
        return NULL;
    PyObject *module = PyType_GetModule(type);
    if (module == NULL)
        return NULL;
    Taken *self = (Taken *)PyType_GenericAlloc(type, 0);
    if (self == NULL)
        return NULL;
    PyTypeObject **next_type = PyModule_GetState(module);
    self->next_type = (PyTypeObject *)Py_NewRef((PyObject *)*next_type);
    self->fetch = Py_NewRef(fetch);
    return (PyObject *)self;
}

static int
taken_traverse(Taken *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->fetch);
    Py_VISIT(self->messages);
    Py_VISIT(self->next_type);
    return 0;
}

static int
taken_clear(Taken *self)
{
    Py_CLEAR(self->fetch);
    Py_CLEAR(self->messages);
    return 0;
}

static void
taken_dealloc(Taken *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    taken_clear(self);
    Py_CLEAR(self->next_type);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyObject *
taken_put(Taken *self, PyObject *messages)
{
    if (!PyList_Check(messages)) {
        PyErr_SetString(PyExc_TypeError, "put takes a list of messages");
        return NULL;
    }
    PyObject *before = self->messages;
    self->messages = PyList_Size(messages) > 0 ? Py_NewRef(messages) : NULL;
    self->at = 0;
    Py_XDECREF(before);
    Py_RETURN_NONE;
}

static PyObject *
taken_anext(Taken *self)
{
    if (self->messages == NULL)
        return fetch_of(self);
    Next *next = PyObject_GC_New(Next, self->next_type);
    if (next != NULL) { /* the collector need not know of it before there is an `inner` */
        next->taken = (Taken *)Py_NewRef((PyObject *)self);
        next->inner = NULL;
    }
    return (PyObject *)next;
}

/* The awaitable */

static PySendResult
next_send(Next *self, PyObject *value, PyObject **result)
{
    if (self->inner == NULL) {
        if (self->taken == NULL) {
            PyErr_SetString(PyExc_RuntimeError, "this __anext__() was awaited already");
            *result = NULL;
            return PYGEN_ERROR;
        }
        Taken *taken = self->taken;
        self->taken = NULL;
        *result = pop(taken);
        if (*result == NULL)
            self->inner = fetch_of(taken);
        Py_DECREF(taken);
        if (*result != NULL)
            return PYGEN_RETURN;
        if (self->inner == NULL)
            return PYGEN_ERROR;
        PyObject_GC_Track(self);
    }
    PySendResult what = PyIter_Send(self->inner, value, result);
    if (what != PYGEN_NEXT) {
        PyObject_GC_UnTrack(self);
        Py_CLEAR(self->inner);
    }
    return what;
}

/* The outcome as a generator tells it. */
static PyObject *
told(PySendResult what, PyObject *result)
{
    if (what == PYGEN_RETURN) {
        PyObject *stop = PyObject_CallFunctionObjArgs(PyExc_StopIteration, result, NULL);
        Py_DECREF(result);
        if (stop != NULL) {
            PyErr_SetObject(PyExc_StopIteration, stop);
            Py_DECREF(stop);
        }
        return NULL;
    }
    return result;
}

static PyObject *
next_send_method(Next *self, PyObject *value)
{
    PyObject *result = NULL;
    const PySendResult what = next_send(self, value, &result);
    return told(what, result);
}

static PyObject *
next_iternext(Next *self)
{
    return next_send_method(self, Py_None);
}

/* Of what `inner` is told, its outcome. */
static PyObject *
next_pass_on(Next *self, const char *method, PyObject *args)
{
    PyObject *function = PyObject_GetAttrString(self->inner, method);
    if (function == NULL)
        return NULL;
    PyObject *result = PyObject_CallObject(function, args);
    Py_DECREF(function);
    return result;
}

static PyObject *
next_throw(Next *self, PyObject *args)
{
    if (self->inner != NULL) {
        PyObject *result = next_pass_on(self, "throw", args);
        if (result == NULL) { /* it is over, in whatever way */
            PyObject_GC_UnTrack(self);
            Py_CLEAR(self->inner);
        }
        return result;
    }
    PyObject *type, *value = NULL, *traceback = NULL;
    if (!PyArg_UnpackTuple(args, "throw", 1, 3, &type, &value, &traceback))
        return NULL;
    Py_CLEAR(self->taken); /* awaited, and in vain: the message stays where it is */
    if (PyExceptionInstance_Check(type))
        PyErr_SetObject((PyObject *)Py_TYPE(type), type);
    else if (PyExceptionClass_Check(type))
        PyErr_SetObject(type, value);
    else
        PyErr_SetString(PyExc_TypeError, "throw takes an exception");
    return NULL;
}

static PyObject *
next_close(Next *self, PyObject *unused)
{
    Py_CLEAR(self->taken);
    if (self->inner != NULL) {
        PyObject *result = next_pass_on(self, "close", NULL);
        PyObject_GC_UnTrack(self);
        Py_CLEAR(self->inner);
        if (result == NULL)
            return NULL;
        Py_DECREF(result);
    }
    Py_RETURN_NONE;
}

static int
next_traverse(Next *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->taken);
    Py_VISIT(self->inner);
    return 0;
}

static void
next_dealloc(Next *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (self->inner != NULL)
        PyObject_GC_UnTrack(self);
    Py_CLEAR(self->taken);
    Py_CLEAR(self->inner);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyObject *
itself(PyObject *self)
{
    return Py_NewRef(self);
}

/* The types, and the module, whose state is the type of the awaitable */

static PyMethodDef taken_methods[] = {
    {"put", (PyCFunction)taken_put, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot taken_slots[] = {
    {Py_tp_new, taken_new},
    {Py_tp_dealloc, taken_dealloc},
    {Py_tp_traverse, taken_traverse},
    {Py_tp_clear, taken_clear},
    {Py_tp_methods, taken_methods},
    {Py_tp_iter, itself},
    {Py_tp_iternext, pop},
    {Py_am_aiter, itself},
    {Py_am_anext, taken_anext},
    {0, NULL},
};

static PyType_Spec taken_spec = {
    .name = "holdfast_fast._taken.Taken",
    .basicsize = sizeof(Taken),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = taken_slots,
};

static PyMethodDef next_methods[] = {
    {"send", (PyCFunction)next_send_method, METH_O, NULL},
    {"throw", (PyCFunction)next_throw, METH_VARARGS, NULL},
    {"close", (PyCFunction)next_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot next_slots[] = {
    {Py_tp_dealloc, next_dealloc},
    {Py_tp_traverse, next_traverse},
    {Py_tp_methods, next_methods},
    {Py_tp_iter, itself},
    {Py_tp_iternext, next_iternext},
    {Py_am_await, itself},
    {Py_am_send, next_send},
    {0, NULL},
};

static PyType_Spec next_spec = {
    .name = "holdfast_fast._taken.Next",
    .basicsize = sizeof(Next),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = next_slots,
};

static int
module_exec(PyObject *module)
{
    PyTypeObject **next_type = PyModule_GetState(module);
    *next_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &next_spec, NULL);
    if (*next_type == NULL)
        return -1;
    PyObject *taken_type = PyType_FromModuleAndSpec(module, &taken_spec, NULL);
    if (taken_type == NULL)
        return -1;
    const int failed = PyModule_AddType(module, (PyTypeObject *)taken_type);
    Py_DECREF(taken_type);
    return failed;
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    Py_VISIT(*(PyTypeObject **)PyModule_GetState(module));
    return 0;
}

static int
module_clear(PyObject *module)
{
    Py_CLEAR(*(PyTypeObject **)PyModule_GetState(module));
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static struct PyModuleDef module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "holdfast_fast._taken",
    .m_size = sizeof(PyTypeObject *),
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
};

PyMODINIT_FUNC
PyInit__taken(void)
{
    return PyModuleDef_Init(&module);
}
