import type { DagstreamError } from '../../errors.ts'
import { invalidWorkflow } from '../../plan/invalid-workflow.ts'
import { quoteName } from '../../tools/json-pointer.ts'
import type { WorkflowIssue } from '../../workflow/document.ts'
import { IssueList } from '../../workflow/issues.ts'
import type { PlanPatch } from './patch-shape.ts'

/**
 * The error for a patch whose document has issues: pointers to tasks that it brings lead into the patch, others into the
 * document that would result, with `in: "document"` and the id of the task in the message.
 * @param issues of that document, in which the tasks of `add` and `replace` follow those that stay
 * @param kept ids of the tasks that stay
 * @param own issues of the patch itself
 */
export function invalidPatch(
  { issues, count }: IssueList,
  kept: readonly string[],
  { add }: Required<PlanPatch>,
  own: readonly WorkflowIssue[],
): DagstreamError {
  const located = new IssueList()
  for (const { code, pointer, message, ...extra } of own) located.add(code, pointer, message, extra)
  for (const { code, pointer, message, in: place, ...extra } of issues) {
    const [, index, rest = ''] = /^\/tasks(?:\/(\d+)(.*))?$/s.exec(pointer) ?? []
    const at = index === undefined ? -1 : Number(index) - kept.length
    if (place !== undefined) located.add(code, pointer, message, { ...extra, in: place })
    else if (at >= 0) {
      const list = at < add.length ? `/add/${at}` : `/replace/${at - add.length}`
      located.add(code, list + rest, message, extra)
    } else if (pointer === '/tasks') located.add(code, '/add', message, extra)
    else {
      const of = index === undefined ? '' : `In task ${quoteName(kept[Number(index)] as string)}: `
      located.add(code, pointer, of + message, { ...extra, in: 'document' })
    }
  }
  // Those beyond the bound are counted.
  for (let left = count - issues.length; left > 0; left--) located.skip()
  return invalidWorkflow(located)
}
