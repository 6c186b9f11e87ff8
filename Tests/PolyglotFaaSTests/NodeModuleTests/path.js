const path = require('path');
function handler() {
  return [
    path.join('/a', '..', 'b', './c.txt'),
    path.basename('/x/y.tar.gz', '.gz'),
    path.extname('a.b.c'),
    path.dirname('/a/b/c'),
    path.normalize('/a//b/../c/.'),
    path.relative('/a/b/c', '/a/d'),
    path.resolve('/a', 'b', '../c'),
    path.isAbsolute('a'),
    path.parse('/home/x/file.txt'),
    path.format({ dir: '/d', base: 'f.js' }),
    path.sep,
    require('path/posix').join('a', 'b'),
  ];
}
