import { syncBuiltinESMExports } from 'node:module'
import type { TextStream } from './console.ts'
import { ForeignStream } from './foreign-stream.ts'
import { redirectFiles, redirectProcesses } from './redirected-descriptor.ts'

/**
 * Reserves standard output for the command line in this process: other writes go to standard error, so that they cannot corrupt
 * JSON or events.
 *
 * Covers `process.stdout` and so `console`; with `claimDescriptor` also functions of `node:fs` on descriptor 1 and processes
 * that inherit it. Not covered: native code, a path such as `/dev/stdout`, and writes of a worker thread to the descriptor
 * itself.
 *
 * @returns both streams for the command line itself, unaffected by changes to `process.stdout` and `process.stderr`
 */
export function claimOutput(): { readonly stdout: TextStream; readonly stderr: TextStream } {
  // Reading them creates both streams: a stream to a file keeps the `node:fs` functions of its creation.
  const { stdout, stderr } = process
  const own = { stdout: createOwnStream(stdout), stderr: createOwnStream(stderr) }
  const foreign = { stdout: new ForeignStream(stderr), stderr: new ForeignStream(stderr) }
  for (const name of ['stdout', 'stderr'] as const) {
    const get = (): ForeignStream => (foreign[name] = foreign[name].orNext())
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get })
    // `console` caches the first stream it used, which may be the original one or an ended one.
    Object.defineProperty(console, `_${name}`, { configurable: true, get })
  }
  // For code that holds the original stream, such as a module loaded earlier.
  const redirect = (...given: Parameters<ForeignStream['write']>): boolean => process.stdout.write(...given)
  Object.assign(stdout, { write: redirect })
  return own
}

/**
 * Redirects foreign writes to the descriptor of standard output. Needed only before a module of tools is loaded; otherwise it
 * would load `node:child_process`, a fifth of the start-up time.
 */
export function claimDescriptor(): void {
  redirectFiles()
  redirectProcesses()
  // Otherwise named imports would keep the original functions.
  syncBuiltinESMExports()
}

/** Binds the stream's current `write`. */
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
