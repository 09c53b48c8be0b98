# Google Highway's headers as the target Highway::headers.
#
# Only headers: of its shared library (there is no static one in Debian) Flex-MIG needs nothing,
# because it chooses among the compiled targets itself (src/reduce/target.cc).
find_path(Highway_INCLUDE_DIR hwy/highway.h)
if(Highway_INCLUDE_DIR)
  file(STRINGS "${Highway_INCLUDE_DIR}/hwy/highway.h" lines REGEX "^#define HWY_(MAJOR|MINOR|PATCH) [0-9]+$")
  list(TRANSFORM lines REPLACE "^.* " "")
  list(JOIN lines "." Highway_VERSION)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Highway REQUIRED_VARS Highway_INCLUDE_DIR VERSION_VAR Highway_VERSION)
mark_as_advanced(Highway_INCLUDE_DIR)
if(Highway_FOUND AND NOT TARGET Highway::headers)
  add_library(Highway::headers INTERFACE IMPORTED)
  target_include_directories(Highway::headers SYSTEM INTERFACE "${Highway_INCLUDE_DIR}")
endif()
