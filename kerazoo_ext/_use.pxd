"""Objects that one thread changes at a time, shared by several kernels: a second user is refused (use.h)."""

cdef extern from "use.h" nogil:
    ctypedef int kz_use
    bint kz_begin_change(kz_use *) noexcept
    bint kz_begin_read(kz_use *) noexcept
    void kz_end_change(kz_use *) noexcept
    void kz_end_read(kz_use *) noexcept


cdef inline int begin_change(kz_use *use, str name) except -1:
    if not kz_begin_change(use):
        raise RuntimeError(f"{name} is changed while another thread uses it; expected one for each thread")
    return 0


cdef inline int begin_read(kz_use *use, str name) except -1:
    if not kz_begin_read(use):
        raise RuntimeError(f"{name} is read while another thread changes it; expected one for each thread")
    return 0
