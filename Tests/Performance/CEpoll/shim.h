// epoll is not part of Swift's Glibc module; the load tool needs nothing else from C.
#include <sys/epoll.h>
