/** The routes as OpenAPI 3.1 describes them. */
export const openapiDocument: Readonly<Record<string, unknown>> = {
  openapi: '3.1.0',
  info: { title: 'dagstream', version: '1' },
  paths: {},
}
