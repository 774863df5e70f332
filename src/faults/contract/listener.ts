/** The seam of listeners: whether a proxy has its port. */

export interface ListenerFault {
  /**
   * Counted each time that the port is closed or falls silent. Whom that turns away only the kernel knows, so it is the proxy
   * itself that is hit.
   */
  readonly effect: string;
  /** Whether the proxy should listen at the moment; asked when the fault takes hold and when it is updated. */
  listening(): boolean;
  /** Whether attempts to connect are to go unanswered meanwhile, where they would be refused otherwise. */
  silent?(): boolean;
}
