/** The version of the package, for members of a shared store; a test compares it with `package.json`. */
export const PACKAGE_VERSION = '0.1.0' as const
