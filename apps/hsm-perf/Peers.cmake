# hsm-perf-<peer>: hsm-perf's ranks on other libraries, for those that are installed
# (scripts/install_deps.sh bench). They are not installed with Flex-MIG.

# flexmig_perf_peer(<peer> SOURCE <cc> INCLUDES <dir>... LIBRARIES <library or flag>...)
function(flexmig_perf_peer peer)
  cmake_parse_arguments(arg "" "SOURCE" "INCLUDES;LIBRARIES" ${ARGN})
  flexmig_program(hsm-perf-${peer} SOURCES ${arg_SOURCE} worker_main.cc
                  DEPS hsm_perf_rank ${arg_LIBRARIES})
  target_include_directories(hsm-perf-${peer} SYSTEM PRIVATE ${arg_INCLUDES})
  # Their C++ bindings would need a library of their own and are not used.
  target_compile_definitions(hsm-perf-${peer} PRIVATE OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)
  # What these headers' macros expand to counts as ours.
  target_compile_options(hsm-perf-${peer} PRIVATE -Wno-old-style-cast)
  add_dependencies(hsm-perf hsm-perf-${peer})
  message(STATUS "hsm-perf: peer ${peer} found")
endfunction()

# Debian's two MPIs lie side by side; their own compiler wrappers know where.
find_program(FLEXMIG_MPICC_OPENMPI mpicc.openmpi)
find_program(FLEXMIG_MPICC_MPICH mpicc.mpich)
mark_as_advanced(FLEXMIG_MPICC_OPENMPI FLEXMIG_MPICC_MPICH)

function(flexmig_perf_mpi peer wrapper show)
  if(NOT wrapper)
    message(STATUS "hsm-perf: peer ${peer} is not installed")
    return()
  endif()
  execute_process(COMMAND ${wrapper} ${show} OUTPUT_VARIABLE line RESULT_VARIABLE failed
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(failed)
    message(WARNING "hsm-perf: `${wrapper} ${show}` failed; no peer ${peer}")
    return()
  endif()
  separate_arguments(words UNIX_COMMAND "${line}")
  set(includes ${words})
  list(FILTER includes INCLUDE REGEX "^-I")
  list(TRANSFORM includes REPLACE "^-I" "")
  set(libraries ${words})
  list(FILTER libraries INCLUDE REGEX "^-[lL]")
  flexmig_perf_peer(${peer} SOURCE mpi_backend.cc INCLUDES ${includes} LIBRARIES ${libraries})
endfunction()

flexmig_perf_mpi(openmpi "${FLEXMIG_MPICC_OPENMPI}" --showme)
flexmig_perf_mpi(mpich "${FLEXMIG_MPICC_MPICH}" -show)

find_package(Gloo CONFIG QUIET)
if(TARGET gloo)
  flexmig_perf_peer(gloo SOURCE gloo_backend.cc LIBRARIES gloo)
else()
  message(STATUS "hsm-perf: peer gloo is not installed")
endif()
