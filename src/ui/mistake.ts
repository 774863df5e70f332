/** One mistake of a body that was sent, by where it stands in it; what the API calls `Problem`. */
export interface Mistake {
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}
