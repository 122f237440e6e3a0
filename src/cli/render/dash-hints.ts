import type { Command } from 'commander'
import { quoteWord } from '../process/shell.ts'

/** The longest argument that a line to paste repeats, characters. */
const MAX_REPEATED = 80

/**
 * Makes every command under `program` say how to pass an argument that begins with a dash, where one was taken for a flag.
 *
 * @param name how the program is called, for a line to paste
 * @param say is called with the line, after the error itself
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

/** `undefined` where all arguments of the command were given, so that the flag is no argument. */
function describeDash({ args, registeredArguments }: Command, path: string): string | undefined {
  // Arguments come first, then whatever was not understood, from the flag on.
  const at = args.findIndex(each => each.length > 1 && each.startsWith('-'))
  const text = args[at]
  const argument = registeredArguments[at]
  if (text === undefined || argument === undefined) return undefined
  const before = args.slice(0, at).map(quoteWord)
  const shown = text.length > MAX_REPEATED ? `<${argument.name()}>` : quoteWord(text)
  const line = [path, ...before, '--', shown].join(' ')
  return `To pass it as <${argument.name()}>, put flags first, then \`--\`: ${line}`
}
