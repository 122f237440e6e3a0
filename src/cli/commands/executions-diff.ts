import { stringifyJson } from '../../json/stringify-json.ts'
import { compareSides } from '../comparison/compare.ts'
import { renderComparison } from '../comparison/comparison-text.ts'
import { readSide } from '../comparison/read-side.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { openSource, type SourceFlags } from '../target/open-source.ts'
import { checkIds } from './watch-command.ts'

/** The flags of `executions diff`. */
export interface DiffFlags extends SourceFlags {
  readonly json?: true
}

/** Compares two executions of one source, such as one and its fork. */
export async function diffExecutions(
  a: string,
  b: string,
  options: DiffFlags,
  { process, stdout }: CommandContext,
): Promise<ExitCode> {
  checkIds(a)
  checkIds(b)
  const source = await openSource(options, 'read', process)
  try {
    const comparison = compareSides(await readSide(source, a), await readSide(source, b))
    await stdout.write(options.json ? `${stringifyJson(comparison)}\n` : renderComparison(comparison))
    return 0
  } finally {
    await source.close()
  }
}
