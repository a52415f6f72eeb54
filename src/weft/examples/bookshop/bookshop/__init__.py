"""The services of the bookshop demo: one small module each, with nothing but Python's standard library.

They know nothing of the mesh. They call each other by name over plain HTTP, or TCP in the case of the store. Who may
call whom, which version answers and with which identity is up to the YAML beside this folder.
"""
