import type { InputQuestion } from '../../events/events.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { fitColumns } from '../render/columns.ts'
import { formatCount, formatNumberOf, toPlainLine } from '../render/text.ts'
import type { DryOutputs, OutputOrigin } from './dry-outputs.ts'

/** Calls that are printed at most. */
const MAX_SHOWN = 100

/** Columns of one line. */
const LINE_COLUMNS = 120

const TOLD: Readonly<Record<OutputOrigin, string>> = {
  given: 'output given',
  recorded: 'output recorded',
  example: 'output an example of its schema',
  unknown: 'output unknown',
}

/** What a dry run would have called, with which arguments, and where the outputs come from. */
export function renderDryRun({ calls, unusedIds }: DryOutputs, approvals: readonly InputQuestion[]): string {
  const lines = calls.slice(0, MAX_SHOWN).map(({ taskId, tool, arguments: args, origin }) => {
    const call = `${toPlainLine(taskId)} ${toPlainLine(tool)} ${toPlainLine(stringifyJson(args))}`
    return `  ${fitColumns(call, LINE_COLUMNS - TOLD[origin].length - 4)}  ${TOLD[origin]}`
  })
  if (calls.length > MAX_SHOWN) lines.push(`  … ${formatNumberOf(calls.length - MAX_SHOWN, 'more call')}`)
  const head = `Dry run: nothing was called. ${formatNumberOf(calls.length, 'call')} would have been made`
  const unknown = calls.filter(({ origin }) => origin === 'unknown')
  if (unknown.length > 0) {
    const [noun, verb] = unknown.length === 1 ? ['output', 'is'] : ['outputs', 'are']
    const which = `The ${noun} of ${formatNumberOf(unknown.length, 'call')}`
    lines.push(`${which} ${verb} not known, and null stands for it: give it by --outputs`)
  }
  if (approvals.length > 0) {
    lines.push(
      `${formatNumberOf(approvals.length, 'approval')} would have been asked, and ${approvals.length === 1 ? 'is' : 'are'} taken as given:`,
    )
    for (const { taskId, message } of approvals.slice(0, MAX_SHOWN)) {
      lines.push(`  ${fitColumns(`${toPlainLine(taskId)} ${toPlainLine(message)}`, LINE_COLUMNS - 2)}`)
    }
    if (approvals.length > MAX_SHOWN) lines.push(`  … ${formatNumberOf(approvals.length - MAX_SHOWN, 'more approval')}`)
  }
  if (unusedIds.length > 0) {
    const shown = unusedIds.slice(0, 5).map(id => `\`${toPlainLine(id)}\``)
    const rest = unusedIds.length > shown.length ? ` and ${formatCount(unusedIds.length - shown.length)} more` : ''
    lines.push(`No task took the given output of ${shown.join(', ')}${rest}`)
  }
  return `${[calls.length === 0 ? head : `${head}:`, ...lines].join('\n')}\n`
}
