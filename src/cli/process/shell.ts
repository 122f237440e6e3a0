import { basename, relative } from 'node:path'

/** Quotes `text` as one word of a POSIX shell. */
export function quoteWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** The command that calls this program, for lines to paste: its name if a package manager has linked it, else its path. */
export function findCommand(script: string | undefined, cwd: string): string {
  if (script === undefined || !/\.[cm]?[jt]s$/.test(script))
    return script === undefined ? 'dagstream' : basename(script)
  return `node ${quoteWord(relative(cwd, script))}`
}
