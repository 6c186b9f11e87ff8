/* Takes the place of some of the C library's functions in the executable that links this: those that change what a process has besides
   memory and descriptors. They do the same, by system calls that leave a note (CLinuxShims.h).

   It is found before the C library by everything that is linked to the executable or loaded by it, so a guest's calls come here, also
   through ctypes. What looks into the C library itself makes calls without a mark, and the filter refuses them. */
