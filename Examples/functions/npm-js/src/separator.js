export const separator = / +/;
