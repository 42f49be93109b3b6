/* A sanitizer makes system calls of its own and reads /proc at the end, so a program
 * built with one cannot give up rights. */
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
