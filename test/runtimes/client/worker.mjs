import { exerciseClient } from './exercise.mjs'

// oxlint-disable-next-line import/no-default-export -- workerd takes a worker's entry from there
export default {
  async fetch(request) {
    const { searchParams } = new URL(request.url)
    return Response.json(await exerciseClient(searchParams.get('url'), searchParams.get('cut')))
  },
}
