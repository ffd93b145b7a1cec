/*
 * Products in double precision with matrices that are held in single precision, and rows of such products.
 */
#ifndef CLUES_PRODUCTS_H
#define CLUES_PRODUCTS_H

#include <stddef.h>

#pragma clang assume_nonnull begin

/* Some rows of B·diag(c)·A, [rows, columns], rounded to float32 once, for these rows of B [rows, rank] and the whole of A
   [rank, columns]. Room is for as many numbers as clues_room_for_rows says. */
void clues_form_rows(const float *b, size_t rows, const double *coefficients, size_t rank, const float *a,
                     size_t columns, double *room, float *target);
size_t clues_room_for_rows(size_t rank, size_t rows);

/* Vectors [count, width] with rows for columns, [width, clues_room_for_vectors(count)]. */
void clues_turn_vectors(const double *vectors, size_t count, size_t width, double *turned);
size_t clues_room_for_vectors(size_t vectors);

/* Y·Mᵀ for some rows of M [rows, columns] and the turned Y [count, columns]: a row of products for each vector, which
   begin `stride` numbers after each other. */
void clues_multiply_with_rows(const double *turned, size_t count, const float *matrix, size_t rows, size_t columns,
                              double *products, size_t stride);

#pragma clang assume_nonnull end

#endif
