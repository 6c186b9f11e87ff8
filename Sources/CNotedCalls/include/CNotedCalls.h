/* Takes the place of some of the C library's functions in the executable that links this: those that change state of a
   process besides memory and descriptors. They do the same, by system calls that leave a note (CLinuxShims.h).

   Everything that is linked to the executable or loaded by it finds these functions before the C library's, so a
   guest's calls come here, also through ctypes. Code that looks into the C library itself makes calls without a mark,
   and the filter refuses them. */
