/* Is this built with a sanitizer that makes system calls of its own, and
 * reads /proc at the end?  Then no rights can be given up. */
#ifndef PRAIC_SANITIZER_H
#define PRAIC_SANITIZER_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZER "built with a sanitizer"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZER "built with a sanitizer"
#endif
#endif

#endif
