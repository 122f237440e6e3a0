#!/usr/bin/env node
import { findTitle } from './process/hide-passwords.ts'
import { claimDescriptor, claimOutput } from './process/own-output.ts'
import { runCli } from './commands/program.ts'
import { findCommand } from './process/shell.ts'
import { describeStray } from './process/stray-faults.ts'

const title = findTitle(process.argv.slice(2))
if (title !== undefined) process.title = title

const { stdout, stderr } = claimOutput()

process.once('beforeExit', () => {
  process.stderr.write(
    'error The command waits for a promise that can no longer settle, probably in a module of tools\n',
  )
  exit(1)
})

// All output is written by then; handles that a tool left open must not keep the process alive.
exit(
  await runCli({
    argv: process.argv.slice(2),
    env: process.env,
    command: findCommand(process.argv[1], process.cwd()),
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout,
    stderr,
    beforeForeignCode: claimDescriptor,
    onInterrupt(listener) {
      // A closed terminal sends SIGHUP: the command must end with it.
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, listener)
      return () => {
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, listener)
      }
    },
    onStrayError(listener) {
      process.on('uncaughtException', listener).on('unhandledRejection', listener)
      return () => void process.off('uncaughtException', listener).off('unhandledRejection', listener)
    },
    exit,
  }),
)

function exit(code: number): void {
  try {
    process.exit(code)
  } catch (error) {
    // An `exit` listener of a tool threw. A second call skips the listeners.
    process.stderr.write(`${describeStray(error)}\n`)
    process.exit(code)
  }
}
