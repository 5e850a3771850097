# What `cmake --install` puts in place: library, headers, program, manual pages, and the files by
# which pkg-config and CMake find the library.
install(TARGETS ringfort EXPORT ringfort-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ringfort DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
if(TARGET ringfort-cli)
    install(TARGETS ringfort-cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

file(GLOB rf_manuals CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.[1-9])
foreach(manual IN LISTS rf_manuals)
    string(REGEX REPLACE ".*\\.([1-9])$" "\\1" section ${manual})
    install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

set(rf_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ringfort)
install(EXPORT ringfort-targets NAMESPACE ringfort:: DESTINATION ${rf_package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/ringfort-config.cmake.in
                              ${PROJECT_BINARY_DIR}/ringfort-config.cmake
                              INSTALL_DESTINATION ${rf_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ringfort-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ringfort-config.cmake
              ${PROJECT_BINARY_DIR}/ringfort-config-version.cmake
        DESTINATION ${rf_package_dir})

# A static library's own libraries belong to every user of it.
if(BUILD_SHARED_LIBS)
    set(rf_pc_libs_public "")
    set(rf_pc_libs_private "-lZydis -lZycore -lelf -lext2fs -lcom_err -larchive -lsquashfs -lseccomp -lm")
else()
    set(rf_pc_libs_public " -lZydis -lZycore -lelf -lext2fs -lcom_err -larchive -lsquashfs -lseccomp -lm")
    set(rf_pc_libs_private "")
endif()
# The prefix is found from where the file lies, so that an installed tree can be moved.
file(RELATIVE_PATH rf_pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(${CMAKE_CURRENT_LIST_DIR}/ringfort.pc.in ${PROJECT_BINARY_DIR}/ringfort.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/ringfort.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
