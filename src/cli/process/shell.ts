import { basename, relative } from 'node:path'

/** `text` as one word of a POSIX shell. */
export function quoteWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** How to call this program again, for lines to paste: by its name where a package manager has linked it, else by its path. */
export function findCommand(script: string | undefined, cwd: string): string {
  if (script === undefined || !/\.[cm]?[jt]s$/.test(script))
    return script === undefined ? 'dagstream' : basename(script)
  return `node ${quoteWord(relative(cwd, script))}`
}
