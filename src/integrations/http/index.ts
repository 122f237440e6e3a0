/** `dagstream/tools/http`: HTTP requests as tools, on Node. */
export { httpTools } from './http-tools.ts'
export type { HttpToolsOptions } from './http-options.ts'
export type { HttpBody, HttpMethod, HttpRequest, HttpResponse, HttpScalar, QueryValue } from './http-request.ts'
export { HttpToolError, type HttpToolErrorCode } from './http-tool-error.ts'
