#!/usr/bin/env node
import { runCli } from './program.ts'
import { findCommand } from './shell.ts'

// Everything is written by then; what a tool has left open must not keep the process.
process.exit(
  await runCli({
    argv: process.argv.slice(2),
    env: process.env,
    command: findCommand(process.argv[1], process.cwd()),
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    onInterrupt(listener) {
      // A terminal that is closed hangs up: what was started for it is to end too.
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, listener)
      return () => {
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, listener)
      }
    },
    onStrayError(listener) {
      process.on('uncaughtException', listener).on('unhandledRejection', listener)
      return () => void process.off('uncaughtException', listener).off('unhandledRejection', listener)
    },
    exit: code => process.exit(code),
  }),
)
