import type { WorkflowIssue } from '../../../workflow/document.ts'

/** A problem of a task of a plan. Its pointer leads into the task. */
export type PlanIssue = Pick<WorkflowIssue, 'pointer' | 'message' | 'hint'> & { readonly code: string }
