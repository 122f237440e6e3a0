import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { readExported } from './exported.ts'
import { renderOfflinePage } from './offline-page.ts'
import { type CommandContext, type ExitCode, UsageError } from '../process/console.ts'

/** The flags of `view`. */
export interface ViewOptions {
  /** A file; standard output if absent. */
  readonly output?: string
}

/**
 * Writes an exported execution as one page that replays it without a server.
 * @throws UsageError for a file that is no export of one execution; Error if the page cannot be written
 */
export async function viewCommand(
  file: string,
  { output }: ViewOptions,
  { process, stdout, stderr }: CommandContext,
): Promise<ExitCode> {
  if (output === '') throw new UsageError('Expected --output to be the name of a file')
  const exported = await readExported(file, process)
  const html = renderOfflinePage(exported)
  if (output === undefined || output === '-') await stdout.write(html)
  else {
    await writeFile(resolve(process.cwd, output), html)
    await stderr.write(`Execution ${exported.executionId} is written to ${output}: open it in a browser\n`)
  }
  return 0
}
