import { syncBuiltinESMExports } from 'node:module'
import type { TextStream } from './console.ts'
import { ForeignStream } from './foreign-stream.ts'
import { redirectFiles, redirectProcesses } from './redirected-descriptor.ts'

/**
 * Keeps standard output for the command line alone, in this process: what anything else writes there goes to standard error, so
 * that it cannot stand in the middle of JSON or events.
 *
 * That is `process.stdout` and so `console`, and with `claimDescriptor` functions of `node:fs` that are given descriptor 1, and
 * processes that would inherit it. Not covered: native code, a path such as `/dev/stdout`, and what a worker thread does with the descriptor itself.
 *
 * @returns both streams for the command line itself, which nothing changes that is done to `process.stdout` and `process.stderr`
 */
export function claimOutput(): { readonly stdout: TextStream; readonly stderr: TextStream } {
  // Both are made here if they are not yet: a stream to a file keeps the functions of `node:fs` that it was made with.
  const { stdout, stderr } = process
  const own = { stdout: createOwnStream(stdout), stderr: createOwnStream(stderr) }
  const foreign = { stdout: new ForeignStream(stderr), stderr: new ForeignStream(stderr) }
  for (const name of ['stdout', 'stderr'] as const) {
    const get = (): ForeignStream => (foreign[name] = foreign[name].orNext())
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get })
    // It keeps the stream that it has used first, which may be the former one, or one that was ended.
    Object.defineProperty(console, `_${name}`, { configurable: true, get })
  }
  // For code that has kept the stream itself, such as a module that was loaded before.
  const redirect = (...given: Parameters<ForeignStream['write']>): boolean => process.stdout.write(...given)
  Object.assign(stdout, { write: redirect })
  return own
}

/**
 * Redirects what code of others may do with the descriptor of standard output. Only modules of tools bring such code into this
 * process; for all else it would load what starts processes, which takes a fifth of the time of a start.
 */
export function claimDescriptor(): void {
  redirectFiles()
  redirectProcesses()
  // Else named imports would still have what was there before.
  syncBuiltinESMExports()
}

/** Writes with the function that the stream has now. */
function createOwnStream(stream: NodeJS.WriteStream): TextStream {
  const write = stream.write.bind(stream)
  return {
    get isTTY() {
      return stream.isTTY
    },
    get columns() {
      return stream.columns
    },
    get rows() {
      return stream.rows
    },
    write: (text, callback) => write(text, callback),
    on: (event, listener) => stream.on(event, listener),
  }
}
