import { DagstreamError } from './errors.ts'

/**
 * Loads a package that only some programs need and that is not installed with this one.
 * @param what what needs it, in the plural, the first word of the message
 * @param install the packages to install, with their versions
 * @throws `MISSING_PACKAGE`, with the command that installs it
 */
export async function loadOptional<Module>(
  what: string,
  name: string,
  install: string,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load()
  } catch (error) {
    const message = `${what} need the package \`${name}\`, which cannot be loaded. Install it: npm install ${install}`
    throw new DagstreamError('MISSING_PACKAGE', message, { cause: error, details: { package: name } })
  }
}
