import { content, id, json, JSON_TYPE, parameter, problems } from './operation-parts.ts'
import { type Json, refer } from './schema-parts.ts'

/** The routes of questions to people. */
export const inputPaths: Readonly<Record<string, Json>> = {
  '/inputs': {
    get: {
      operationId: 'listInputs',
      summary: 'The open questions of your executions, of the oldest execution first',
      parameters: [
        parameter('limit', 'query', 'A page ends behind the execution with which it reaches this.', {
          type: 'integer',
          minimum: 1,
          maximum: 1000,
          default: 100,
        }),
        parameter('after', 'query', 'The `next` of the page before.'),
      ],
      responses: { 200: json('A page.', refer('InputPage')), ...problems(400) },
    },
  },
  '/executions/{id}/inputs': {
    parameters: [id],
    get: {
      operationId: 'getInputs',
      summary: 'The open questions of one execution',
      responses: { 200: json('All of them.', refer('InputPage')), ...problems(404, 409, 503) },
    },
  },
  '/executions/{id}/inputs/{inputId}': {
    parameters: [id, parameter('inputId', 'path', 'Of the question, percent-encoded: `label%5B3%5D.1`.')],
    post: {
      operationId: 'answerInput',
      summary: 'Answer or decline a question; the first answer counts',
      requestBody: { required: true, ...content(JSON_TYPE, refer('InputAnswer')) },
      responses: { 204: { description: 'It is answered.' }, ...problems(400, 404, 409, 413, 415, 422, 503) },
    },
  },
}
