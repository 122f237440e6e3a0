import { isHead, MAX_LINE_BYTES, type PlanLine, PlanLineReader } from '../../engine/growth/plan-lines.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { pickPlanOptions, type RunOptions, toRemoteOptions } from '../commands/run-options.ts'

const LF = 0x0a

/** What the flags add to the first line of a plan. */
export function describeHead(flags: RunOptions): Readonly<Record<string, unknown>> {
  const { input } = flags
  return { ...toRemoteOptions(flags), ...pickPlanOptions(flags), ...(input !== undefined && { input }) }
}

/**
 * A plan whose line of options has those of the flags, too, which win.
 * @param onInserted called if the plan has no line of options: one is inserted, and its lines are counted from 2 then
 */
export async function* withHead(
  source: AsyncIterable<Uint8Array>,
  head: Readonly<Record<string, unknown>>,
  onInserted: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (Object.keys(head).length === 0) {
    yield* source
    return
  }
  let begun = Buffer.alloc(0)
  let isBegun = false
  const begin = async (isLast: boolean): Promise<Buffer | undefined> => {
    const lineEnd = findFirstLine(begun)
    if (lineEnd === undefined && !isLast && begun.length <= MAX_LINE_BYTES) return undefined
    const text = begun.subarray(0, lineEnd ?? begun.length)
    const first = lineEnd === undefined && !isLast ? undefined : await readFirst(text)
    if (first !== undefined && 'value' in first && isHead(first.value)) {
      // Blank lines before it count.
      const blanks = Buffer.from('\n'.repeat(first.line - 1))
      const line = Buffer.from(stringifyJson({ ...first.value, ...head }))
      return Buffer.concat([blanks, line, begun.subarray(text.length)])
    }
    onInserted()
    return Buffer.concat([Buffer.from(`${stringifyJson(head)}\n`), begun])
  }
  for await (const chunk of source) {
    if (isBegun) {
      yield chunk
      continue
    }
    begun = Buffer.concat([begun, chunk])
    const bytes = await begin(false)
    if (bytes === undefined) continue
    isBegun = true
    yield bytes
  }
  if (!isBegun) yield (await begin(true)) as Buffer
}

/** The place of the line feed behind the first line that is not blank. */
function findFirstLine(bytes: Buffer): number | undefined {
  for (let start = 0; ; ) {
    const end = bytes.indexOf(LF, start)
    if (end < 0) return undefined
    if (bytes.toString('utf8', start, end).trim() !== '') return end
    start = end + 1
  }
}

async function readFirst(bytes: Uint8Array): Promise<PlanLine | undefined> {
  return new PlanLineReader([bytes]).next()
}
