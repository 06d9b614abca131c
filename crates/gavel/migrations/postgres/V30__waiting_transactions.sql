-- Transactions that wait for a session: few, and looked at every few seconds.
CREATE INDEX transactions_waiting ON transactions (remediation_session_id)
    WHERE status = 'AWAITING_USER' AND remediation_session_id IS NOT NULL;
