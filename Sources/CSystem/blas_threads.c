/* OpenBLAS, where it is linked. Weak, for this library can do without. */
extern int blas_thread_shutdown_(void) __attribute__((weak));

/* The threads that OpenBLAS starts when it is loaded look for work on our cores, a hundred million cycles long. */
__attribute__((constructor)) static void end_threads(void) {
  if (blas_thread_shutdown_) (void)blas_thread_shutdown_();
}
