import { type CommandContext, type ExitCode } from '../process/console.ts'
import { openUrl } from '../process/open-url.ts'
import { describeServer } from '../target/server-connection.ts'
import { toPlainLine } from '../render/text.ts'
import { checkIds } from '../commands/watch-command.ts'

/** The flags of `open`. */
export interface OpenOptions {
  /** Base URL of the server. */
  readonly server: string
  readonly print?: true
}

/**
 * Opens the page of an execution in the browser, and prints its address. The address holds no token: the page asks for it.
 * @throws UsageError for a malformed id; Error if the server cannot be reached or serves no page
 */
export async function openCommand(
  executionId: string | undefined,
  { server, print }: OpenOptions,
  context: CommandContext,
): Promise<ExitCode> {
  const { process, stdout, stderr } = context
  if (executionId !== undefined) checkIds(executionId)
  const base = server.endsWith('/') ? server : `${server}/`
  await expectPage(base, context)
  const address = executionId === undefined ? base : `${base}#/executions/${executionId}`
  await stdout.write(`${address}\n`)
  if (print) return 0
  const isOpened = await (process.openUrl ?? openUrl)(address)
  if (!isOpened) await stderr.write('No browser could be started here: open the address yourself\n')
  return 0
}

async function expectPage(base: string, { process }: CommandContext): Promise<void> {
  const { fetch } = describeServer({ server: base }, process)
  const { ok, body } = await fetch(new Request(new URL('page/page.js', base), { method: 'GET' }))
  await body?.cancel()
  if (ok) return
  throw new Error(`The server at ${toPlainLine(base)} serves no page: it runs with --no-page, or is an older version`)
}
