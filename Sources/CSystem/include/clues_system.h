/*
 * System calls that Swift's Glibc module does not bring.
 */
#ifndef CLUES_SYSTEM_H
#define CLUES_SYSTEM_H

/* Exchanges two files or folders in one step. 0, or -1 with errno: EINVAL where the file system cannot do it. */
int clues_exchange(const char *first, const char *second);

#endif
