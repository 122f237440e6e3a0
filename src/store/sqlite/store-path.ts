import { closeSync, existsSync, openSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { invalidOption } from '../../errors.ts'
import { failStore, toStoreError } from './store-error.ts'

/**
 * Resolves the file of a store to an absolute path without symbolic links, so that every process uses the same name.
 * Creates a missing file, accessible to its owner only; a missing directory is not created.
 * @throws `INVALID_OPTION` for an invalid path, `STORE_FAILED` if the file cannot be created or opened
 */
export function prepareFile(file: string, { mustExist }: { readonly mustExist: boolean }): string {
  const path = resolve(checkPath(file))
  const directory = dirname(path)
  try {
    if (!existsSync(directory)) throw failStore(path, `cannot be created: there is no directory \`${directory}\``)
    if (!existsSync(path)) {
      if (mustExist) throw failStore(path, `cannot be read: there is no file \`${path}\``)
      const real = join(realpathSync(directory), basename(path))
      makeFile(real)
      return real
    }
    const stats = statSync(path)
    if (!stats.isFile()) throw failStore(path, `cannot be opened: \`${path}\` is not a file`)
    // Each name would have a separate lock and write-ahead log.
    if (stats.nlink > 1) {
      throw failStore(
        path,
        'has another name (a hard link), by which it could be written at the same time: remove that',
      )
    }
    return realpathSync(path)
  } catch (error) {
    throw toStoreError(path, error)
  }
}

/**
 * Creates an empty file, accessible to its owner only, if it is missing.
 *
 * An existing file is not opened: closing it would release the locks of this process on it.
 */
export function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** @throws `INVALID_OPTION` */
export function checkPath(file: string): string {
  const expect = (expected: string): never => {
    throw invalidOption('file', expected, file)
  }
  if (typeof file !== 'string' || file === '' || file.includes('\0')) return expect('the path of a file')
  if (file === ':memory:') return expect('the path of a file: a store in memory is created by `createMemoryStore`')
  if (/^file:/i.test(file)) return expect('a path, not a URL')
  // Only a shell expands `~`; here it would name a directory.
  if (/^~($|[/\\])/.test(file)) return expect('a path without `~`')
  return file
}
