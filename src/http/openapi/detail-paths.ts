import { content, id, json, JSON_TYPE, parameter, problems } from './operation-parts.ts'
import { type Json, refer } from './schema-parts.ts'

/** The routes of what an execution was asked to do, and of tokens that read it. */
export const detailPaths: Readonly<Record<string, Json>> = {
  '/executions/{id}/graph': {
    parameters: [id],
    get: {
      operationId: 'getGraph',
      summary: 'The tasks of the document with their dependencies, without arguments',
      responses: { 200: json('The graph.', refer('ExecutionGraph')), ...problems(404, 409, 503) },
    },
  },
  '/executions/{id}/tasks/{taskId}': {
    parameters: [id, parameter('taskId', 'path', 'Id of the task, percent-encoded: `label%5B3%5D`, `report%2Ffetch`.')],
    get: {
      operationId: 'getTask',
      summary: 'Get a task with its arguments, its attempts and its output',
      responses: { 200: json('The task.', refer('TaskDetails')), ...problems(400, 404, 409, 503) },
    },
  },
  '/executions/{id}/token': {
    parameters: [id],
    post: {
      operationId: 'createReadToken',
      summary: 'Make a token that reads this execution: `?token=` of its `GET` routes takes it',
      requestBody: { required: false, ...content(JSON_TYPE, refer('ReadTokenRequest')) },
      responses: { 201: json('The token.', refer('ReadToken')), ...problems(400, 404, 413, 415, 503) },
    },
  },
}
