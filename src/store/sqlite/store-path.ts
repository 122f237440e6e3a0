import { closeSync, existsSync, openSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { invalidOption } from '../../errors.ts'
import { failStore, toStoreError } from './store-error.ts'

/**
 * The file of a store, absolute and without symbolic links, so that it has one name whoever opens it. A missing file is
 * made, for its owner alone; a missing directory is not.
 * @throws `INVALID_OPTION` for what is no path, `STORE_FAILED` for a place where no file can be
 */
export function prepareFile(file: string, { mustExist }: { readonly mustExist: boolean }): string {
  const path = resolve(checkPath(file))
  const directory = dirname(path)
  try {
    if (!existsSync(directory)) throw failStore(path, `cannot be made: there is no directory \`${directory}\``)
    if (!existsSync(path)) {
      if (mustExist) throw failStore(path, `cannot be read: there is no file \`${path}\``)
      const real = join(realpathSync(directory), basename(path))
      makeFile(real)
      return real
    }
    const stats = statSync(path)
    if (!stats.isFile()) throw failStore(path, `cannot be opened: \`${path}\` is not a file`)
    // Each name would have a lock and a write-ahead log of its own.
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
 * Makes an empty file for its owner alone, where there is none.
 *
 * A file that is there is not opened: to close it would end the locks of this process on it.
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
  if (file === ':memory:') return expect('the path of a file: a store in memory is made by `createMemoryStore`')
  if (/^file:/i.test(file)) return expect('a path, not a URL')
  // Only a shell knows it; taken as it is, it would be a directory of that name.
  if (/^~($|[/\\])/.test(file)) return expect('a path without `~`')
  return file
}
