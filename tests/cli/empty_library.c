/* A library of one function that nobody calls. */
int flexmig_test_empty_library(void);
int flexmig_test_empty_library(void) { return 1; }
