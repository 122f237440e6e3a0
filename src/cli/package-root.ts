// The build puts this module two folders below the package, as it stands here: the addresses hold in both.

/** The folder of the package: of `package.json` and `fixtures`. */
export const PACKAGE_ROOT: URL = new URL('../..', import.meta.url)

/** The folder of dagstream's own code. */
export const CODE_FOLDER: URL = new URL('..', import.meta.url)
