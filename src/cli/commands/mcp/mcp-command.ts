import { Readable, Writable } from 'node:stream'
import { ExecutionHost } from '../../../host/execution-host.ts'
import { resolveHandlerOptions } from '../../../http/options/handler-options.ts'
import { serveStdio } from '../../../mcp-server/serve-stdio.ts'
import { openTools } from '../../input/open-tools.ts'
import { type ServerFlags, toBounds } from '../../input/server-flags.ts'
import { readWorkflowFolder } from '../../input/workflow-folder.ts'
import { type CommandContext, type ExitCode, type Output, UsageError } from '../../process/console.ts'
import { listenForInterrupts } from '../../process/interrupts.ts'
import { createServerLog, createStrayLog, observeExecutions } from '../../process/server-log.ts'
import { isSharedUrl } from '../../target/shared-store.ts'
import { openServerStore } from '../../target/open-store.ts'

/** Time for executions to end once the host has left, ms: hosts kill a server that stays. */
const DRAIN_MS = 2000

/**
 * Serves the workflows as tools of MCP to the program that started this process, until that closes standard input, or until Ctrl-C or a
 * termination signal.
 * @throws `MISSING_PACKAGE`; UsageError for a shared store; Error for a store that cannot be opened
 */
export async function mcpCommand(options: ServerFlags, context: CommandContext): Promise<ExitCode> {
  const { process, stdout, stderr, strays } = context
  if (isSharedUrl(options.store)) {
    throw new UsageError('Expected --store to be a file: a shared store is used by `serve --mcp-server`')
  }
  const log = createServerLog(stderr, options.logLevel)
  strays.reportTo(createStrayLog(log))
  const tools = await openTools(options, process, log)
  try {
    const folder = await readWorkflowFolder(options.workflows, process)
    const workflows = folder?.register(tools.all)
    // Several hosts may start this command in one folder, and a file has one writer.
    const opened = await openServerStore({ ...options, store: options.store ?? 'memory' }, process, log)
    try {
      const resolved = resolveHandlerOptions({
        ...toBounds({ ...options, drain: DRAIN_MS }),
        tools: tools.all ?? tools,
        ...(workflows && { workflows }),
        store: opened.store,
        observers: [observeExecutions(log)],
        logger: log,
      })
      const host = new ExecutionHost(resolved)
      try {
        const { store, clock, logger } = resolved.execution
        const parts = { host, tools: host.tools, workflows: resolved.workflows, store, clock, logger }
        const server = await serveStdio(parts, { input: readInput(process.stdin), output: writeOutput(stdout) })
        const interrupts = listenForInterrupts(process, () => void server.close().catch(() => {}))
        try {
          await server.ended
        } finally {
          interrupts.stop()
        }
      } finally {
        await host.close()
      }
    } finally {
      await opened.close()
    }
  } finally {
    await tools.close()
  }
  return 0
}

/** Buffers alone: the transport joins them. */
function readInput(stdin: AsyncIterable<Uint8Array | string>): Readable {
  return Readable.from(toBuffers(stdin), { objectMode: false })
}

async function* toBuffers(stdin: AsyncIterable<Uint8Array | string>): AsyncGenerator<Buffer> {
  for await (const chunk of stdin) yield Buffer.from(chunk as Uint8Array)
}

/** A slow host slows the server: the transport waits for `drain`. */
function writeOutput(stdout: Output): Writable {
  const write = async (text: string, done: () => void): Promise<void> => {
    await stdout.write(text)
    done()
  }
  // Invariant: `Output` never rejects.
  const output = new Writable({ decodeStrings: false, write: (text: string, _, done) => void write(text, done) })
  // Each message that waits adds a listener.
  return output.setMaxListeners(0)
}
