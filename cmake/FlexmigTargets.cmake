# The only place that knows how a Flex-MIG target is compiled, tested and installed.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_package(Threads REQUIRED)

# Usage requirements of every target of ours; not installed and not passed on to users.
add_library(flexmig_compile_options INTERFACE)
target_compile_options(flexmig_compile_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-compare -Wimplicit-fallthrough -Wswitch
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor;-Wold-style-cast;-Woverloaded-virtual>
  $<$<BOOL:${FLEXMIG_WERROR}>:-Werror>)
if(FLEXMIG_SANITIZE)
  target_compile_options(flexmig_compile_options INTERFACE
    -fsanitize=${FLEXMIG_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  # GCC 12 reports false positives from its own headers under the sanitizers' instrumentation.
  target_compile_options(flexmig_compile_options INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(flexmig_compile_options INTERFACE -fsanitize=${FLEXMIG_SANITIZE})
endif()
if(FLEXMIG_COVERAGE)
  target_compile_options(flexmig_compile_options INTERFACE --coverage -O0)
  target_link_options(flexmig_compile_options INTERFACE --coverage)
endif()

# flexmig_library(<module> HEADERS <h>... [SOURCES <cc>...] [DEPS <target>...] [PRIVATE_DEPS <target>...]
#                 [TESTS <cc>...] [TEST_DEPS <target>...])
#
# A static library flexmig_<module> with the alias flexmig::<module>. Headers live under
# include/flexmig/<module>/ and are given relative to include/. TESTS become one program
# <module>_test; every *_test.cc in the folder has to be listed, so that no test is forgotten.
function(flexmig_library module)
  cmake_parse_arguments(arg "" "" "HEADERS;SOURCES;DEPS;PRIVATE_DEPS;TESTS;TEST_DEPS" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "flexmig_library(${module}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(target flexmig_${module})
  set(scope PUBLIC)
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:flexmig_compile_options>)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(flexmig::${module} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${module})
  target_compile_features(${target} ${scope} cxx_std_20)
  list(TRANSFORM arg_HEADERS PREPEND include/)
  target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS include FILES ${arg_HEADERS})
  if(arg_DEPS)
    target_link_libraries(${target} ${scope} ${arg_DEPS})
  endif()
  if(arg_PRIVATE_DEPS)
    target_link_libraries(${target} PRIVATE ${arg_PRIVATE_DEPS})
  endif()
  install(TARGETS ${target} EXPORT flexmigTargets FILE_SET HEADERS
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

  file(GLOB on_disk RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" CONFIGURE_DEPENDS "*_test.cc")
  foreach(test IN LISTS on_disk)
    if(NOT test IN_LIST arg_TESTS)
      message(FATAL_ERROR "src/${module}/${test} is not listed under TESTS")
    endif()
  endforeach()
  if(arg_TESTS)
    flexmig_test(${module}_test LABEL unit SOURCES ${arg_TESTS}
                 DEPS flexmig::${module} ${arg_TEST_DEPS})
  endif()
endfunction()

# flexmig_test(<name> LABEL <label> SOURCES <cc>... [DEPS <target>...] [TIMEOUT <seconds>] [SERIAL])
#
# A GoogleTest program, each of its cases a ctest of its own. SERIAL keeps its cases from running
# beside any other test: for those that measure time from both sides.
function(flexmig_test name)
  if(NOT FLEXMIG_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "SERIAL" "LABEL;TIMEOUT" "SOURCES;DEPS;DEFINITIONS" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_LABEL)
    message(FATAL_ERROR "flexmig_test(${name}): LABEL is missing or unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE flexmig_compile_options ${arg_DEPS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE ${arg_DEFINITIONS})
  gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} RUN_SERIAL $<BOOL:${arg_SERIAL}>)
endfunction()

# flexmig_exports(<target> FOLDER <folder> [NAMES <file>...] [HEADER <header> FUNCTIONS <regex>])
#
# Makes a shared library one for programs that are not ours: it lies in lib/flexmig/<folder>, also under
# NAMES, which are links to it, and exports exactly the functions that exports.txt beside the
# CMakeLists.txt lists, one a line; what static libraries bring along stays inside. With HEADER the
# test <module>.exports compares those that match FUNCTIONS with what the header declares.
function(flexmig_exports target)
  cmake_parse_arguments(arg "" "FOLDER;HEADER;FUNCTIONS" "NAMES" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_FOLDER)
    message(FATAL_ERROR "flexmig_exports(${target}): FOLDER is missing or unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(list "${CMAKE_CURRENT_SOURCE_DIR}/exports.txt")
  file(STRINGS "${list}" exports)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${list}")
  list(JOIN exports ";\n    " exports)
  set(version_script "${CMAKE_CURRENT_BINARY_DIR}/exports.map")
  file(CONFIGURE OUTPUT "${version_script}" CONTENT "{\n  global:\n    @exports@;\n  local: *;\n};\n" @ONLY)
  set(library_dir "${PROJECT_BINARY_DIR}/lib/flexmig/${arg_FOLDER}")
  set_target_properties(${target} PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY "${library_dir}"
    LINK_DEPENDS "${version_script}")
  target_link_options(${target} PRIVATE
    "LINKER:--version-script=${version_script}"
    "LINKER:--exclude-libs,ALL")
  if(NOT FLEXMIG_SANITIZE)  # whose runtimes are resolved in the program
    target_link_options(${target} PRIVATE "LINKER:--no-undefined")
  endif()

  set(install_dir "${CMAKE_INSTALL_LIBDIR}/flexmig/${arg_FOLDER}")
  install(TARGETS ${target} LIBRARY DESTINATION "${install_dir}")
  get_target_property(file ${target} OUTPUT_NAME)
  foreach(name IN LISTS arg_NAMES)
    add_custom_command(TARGET ${target} POST_BUILD
      COMMAND "${CMAKE_COMMAND}" -E create_symlink lib${file}.so "${library_dir}/${name}")
    install(CODE "file(CREATE_LINK lib${file}.so
      \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${install_dir}/${name}\" SYMBOLIC)")
  endforeach()

  if(FLEXMIG_BUILD_TESTS AND arg_HEADER)
    string(REGEX REPLACE "^flexmig_" "" module ${target})
    add_test(NAME ${module}.exports
      COMMAND bash "${PROJECT_SOURCE_DIR}/cmake/check_exports.sh" $<TARGET_FILE:${target}> "${list}"
              "${arg_HEADER}" "${arg_FUNCTIONS}")
    set_tests_properties(${module}.exports PROPERTIES LABELS abi TIMEOUT 30)
  endif()
endfunction()

# flexmig_program(<name> SOURCES <cc>... DEPS <target>... [INSTALL])
function(flexmig_program name)
  cmake_parse_arguments(arg "INSTALL" "" "SOURCES;DEPS" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "flexmig_program(${name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE flexmig_compile_options ${arg_DEPS})
  if(arg_INSTALL)
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endfunction()

# find_package(flexmig) for other projects.
function(flexmig_install_package)
  include(CMakePackageConfigHelpers)
  set(destination ${CMAKE_INSTALL_LIBDIR}/cmake/flexmig)
  configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/flexmigConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/flexmigConfig.cmake" INSTALL_DESTINATION ${destination})
  write_basic_package_version_file("${PROJECT_BINARY_DIR}/flexmigConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
  install(EXPORT flexmigTargets NAMESPACE flexmig:: DESTINATION ${destination})
  install(FILES "${PROJECT_BINARY_DIR}/flexmigConfig.cmake" "${PROJECT_BINARY_DIR}/flexmigConfigVersion.cmake"
          DESTINATION ${destination})
endfunction()
