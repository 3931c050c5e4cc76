"""The policy language: what a policy document says, and what several of them together answer to one question.

Pure: it knows no store, no request and no service. A document is compiled once (`documents.parse`), a question is asked of many
(`evaluation.decide`), and the answer has AWS's words (`denial.sentence`) and its reasons (`evaluation.explain`).
"""
