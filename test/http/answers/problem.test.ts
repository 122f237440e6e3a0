import { expect, test } from 'vitest'
import { problem } from '../../../src/http/answers/problem.ts'

test('a problem is its status, title, detail and whatever else is reported', async () => {
  const response = problem(422, { title: 'Invalid workflow', detail: 'It has a cycle.', issues: [{ code: 'CYCLE' }] })
  expect(response.status).toBe(422)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(await response.json()).toEqual({
    title: 'Invalid workflow',
    detail: 'It has a cycle.',
    issues: [{ code: 'CYCLE' }],
    status: 422,
  })
})

test('headers are added, the media type stays', () => {
  const response = problem(405, { title: 'Method not allowed' }, { Allow: 'GET', 'Content-Type': 'text/html' })
  expect([...response.headers]).toEqual([
    ['allow', 'GET'],
    ['content-type', 'application/problem+json'],
  ])
})

test('the status in the body is the one of the response', async () => {
  expect(await problem(404, { title: 'Not found', status: 200 }).json()).toEqual({ title: 'Not found', status: 404 })
})
