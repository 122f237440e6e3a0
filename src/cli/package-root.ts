// The build places this module two folders below the package root, as in the source, so the URLs hold in both.

/** The package root, with `package.json` and `fixtures`. */
export const PACKAGE_ROOT: URL = new URL('../..', import.meta.url)

/** The folder of dagstream's own code. */
export const CODE_FOLDER: URL = new URL('..', import.meta.url)
