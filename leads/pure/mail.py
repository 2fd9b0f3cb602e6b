"""What can be known of a mail whose sending raised an error."""

from __future__ import annotations

import smtplib
import socket

NOT_SENT = (
    ConnectionRefusedError,
    socket.gaierror,
    smtplib.SMTPConnectError,
    smtplib.SMTPAuthenticationError,
    smtplib.SMTPHeloError,
    smtplib.SMTPNotSupportedError,
    smtplib.SMTPSenderRefused,
    smtplib.SMTPRecipientsRefused,
)
"""Nothing of the mail can have left when one of these is raised. After any other error it may have."""
