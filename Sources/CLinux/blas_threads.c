/* OpenBLAS, where it is linked. Weak, for this library can do without. */
extern void openblas_set_num_threads(int count) __attribute__((weak));
extern int blas_thread_shutdown_(void) __attribute__((weak));

/*
 * OpenBLAS works in the thread that calls it, for the threads are ours, and so that its sums do not depend on how many
 * cores there are. In this order: setting the number starts the threads again, and they look for work on our cores, a
 * hundred million cycles long.
 */
__attribute__((constructor)) static void own_threads_only(void) {
  if (openblas_set_num_threads) openblas_set_num_threads(1);
  if (blas_thread_shutdown_) (void)blas_thread_shutdown_();
}
