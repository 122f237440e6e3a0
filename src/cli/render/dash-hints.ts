import type { Command } from 'commander'
import { quoteWord } from '../process/shell.ts'

/** Maximum length of an argument repeated in a line to paste, characters. */
const MAX_REPEATED = 80

/**
 * Adds a hint to every command under `program` when an argument that begins with a dash was parsed as a flag.
 *
 * @param name the program's command, for a line to paste
 * @param say receives the hint, after the error itself
 */
export function addDashHints(program: Command, name: string, say: (line: string) => void): void {
  for (const command of program.commands) {
    const path = `${name} ${command.name()}`
    addDashHints(command, path, say)
    command.exitOverride(error => {
      const hint = error.code === 'commander.unknownOption' ? describeDash(command, path) : undefined
      if (hint !== undefined) say(`${hint}\n`)
      throw error
    })
  }
}

/** `undefined` if all arguments of the command are present, so that the flag cannot be one. */
function describeDash({ args, registeredArguments }: Command, path: string): string | undefined {
  // Parsed arguments come first, then the unparsed rest from the flag on.
  const at = args.findIndex(each => each.length > 1 && each.startsWith('-'))
  const text = args[at]
  const argument = registeredArguments[at]
  if (text === undefined || argument === undefined) return undefined
  const before = args.slice(0, at).map(quoteWord)
  const shown = text.length > MAX_REPEATED ? `<${argument.name()}>` : quoteWord(text)
  const line = [path, ...before, '--', shown].join(' ')
  return `To pass it as <${argument.name()}>, put flags first, then \`--\`: ${line}`
}
