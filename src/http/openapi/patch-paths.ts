import { content, id, json, JSON_TYPE, problems } from './operation-parts.ts'
import { count, type Json, object, request, text } from './schema-parts.ts'

const tasks: Json = { type: 'array', items: { type: 'object', description: 'A task, as in `tasks` of a workflow.' } }

const patch: Json = {
  ...request({
    add: { ...tasks, description: 'Tasks that join the document, in any order.' },
    remove: { type: 'array', items: text, description: 'Ids of tasks that leave it.' },
    replace: { ...tasks, description: 'Tasks in place of those with the same ids.' },
  }),
  description: 'A change of the document: all of it, or nothing. One of the lists has an entry.',
}

/** The route that changes the document of an execution while it runs. */
export const patchPaths: Readonly<Record<string, Json>> = {
  '/executions/{id}/plan': {
    parameters: [id],
    post: {
      operationId: 'patchExecution',
      summary: 'Add, remove and replace tasks that have not started',
      requestBody: { required: true, ...content(JSON_TYPE, patch) },
      responses: {
        200: json('The document is changed.', object({ totalTasks: count })),
        ...problems(400, 404, 409, 413, 415, 422, 503),
      },
    },
  },
}
