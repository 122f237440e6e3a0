import type { ApprovalWords } from '../checked-document.ts'
import { compileTemplate, type TemplateWalk } from '../compile-template.ts'
import type { Place } from '../place.ts'
import type { ReadTask } from '../read-document.ts'
import type { Template } from '../template.ts'
import { report } from '../walk.ts'

/** Checks the approval of a task. @param place of its message */
export function checkApproval({ approve }: ReadTask, place: Place, walk: TemplateWalk): ApprovalWords | undefined {
  if (approve === undefined || approve === false) return undefined
  if (approve === true) return NAMELESS
  const { message, expiresMs } = typeof approve === 'string' ? { message: approve, expiresMs: undefined } : approve
  walk.place = place
  walk.path.push('approve')
  if (typeof approve !== 'string') walk.path.push('message')
  const template = message === undefined ? undefined : compileTemplate(message, walk)
  if (message?.trim() === '') report(walk, 'INVALID_SHAPE', () => 'Expected a question, got a text without characters')
  walk.path.length -= typeof approve === 'string' ? 1 : 2
  return Object.freeze({
    ...(template !== undefined && { message: template }),
    ...(expiresMs !== undefined && { expiresMs }),
    isOfItem: template !== undefined && namesItem(template),
  })
}

const NAMELESS: ApprovalWords = Object.freeze({ isOfItem: false })

function namesItem(template: Template): boolean {
  if (typeof template !== 'object' || template === null) return false
  const references =
    template.kind === 'reference' ? [template.reference] : template.kind === 'text' ? template.parts : []
  return references.some(part => typeof part === 'object' && (part.source === 'item' || part.source === 'index'))
}
